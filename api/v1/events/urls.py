"""Where events are found, and what they sell."""

from django.urls import path

from api.v1.events import calendars, details, media, reminders, sales, series, taxonomy, views

tenant_urls = [
    path("events/", views.EventsView.as_view(), name="events"),
    path("events/<str:event>/", views.EventView.as_view(), name="event"),
    path("events/<str:event>/publish/", views.PublishView.as_view(), name="event-publish"),
    path("events/<str:event>/cancel/", views.CancelView.as_view(), name="event-cancel"),
    path("events/<str:event>/postpone/", views.PostponeView.as_view(), name="event-postpone"),
    path("events/<str:event>/archive/", views.ArchiveView.as_view(), name="event-archive"),
    path("events/<str:event>/duplicate/", views.DuplicateView.as_view(), name="event-duplicate"),
    path("events/<str:event>/media/", media.MediaListView.as_view(), name="event-media"),
    path("events/<str:event>/media/<int:pk>/", media.MediaView.as_view(), name="event-media-one"),
    path("calendar.ics", calendars.CalendarView.as_view(), name="calendar"),
    path("events/<str:event>/calendar.ics", calendars.EventCalendarView.as_view(), name="event-calendar"),
    path("events/<str:event>/availability/", sales.AvailabilityView.as_view(), name="event-availability"),
    path("events/<str:event>/ticket-types/", sales.TicketTypesView.as_view(), name="ticket-types"),
    path("events/<str:event>/ticket-types/<int:pk>/", sales.TicketTypeView.as_view(), name="ticket-type"),
    path("events/<str:event>/quotas/", sales.QuotasView.as_view(), name="quotas"),
    path("events/<str:event>/quotas/<int:pk>/", sales.QuotaView.as_view(), name="quota"),
    path("events/<str:event>/program/", details.ProgramView.as_view(), name="program"),
    path("events/<str:event>/program/<int:pk>/", details.ProgramItemView.as_view(), name="program-item"),
    path("events/<str:event>/bring/", details.BringView.as_view(), name="bring"),
    path("events/<str:event>/bring/<int:pk>/", details.BringItemView.as_view(), name="bring-item"),
    path("events/<str:event>/questions/", details.QuestionsView.as_view(), name="questions"),
    path("events/<str:event>/questions/<int:pk>/", details.QuestionView.as_view(), name="question"),
    path("events/<str:event>/reminders/", reminders.EventRemindersView.as_view(), name="event-reminders"),
    path("series/", series.SeriesListView.as_view(), name="series-list"),
    path("series/<str:slug>/calendar.ics", calendars.SeriesCalendarView.as_view(), name="series-calendar"),
    path("series/<str:slug>/", series.SeriesView.as_view(), name="series"),
    path("series/<str:slug>/dates/", series.SeriesDatesView.as_view(), name="series-dates"),
    path("categories/", taxonomy.CategoriesView.as_view(), name="categories"),
    path("categories/<str:slug>/", taxonomy.CategoryView.as_view(), name="category"),
    path("tags/", taxonomy.TagsView.as_view(), name="tags"),
    path("tags/<str:slug>/", taxonomy.TagView.as_view(), name="tag"),
    path("venues/", taxonomy.VenuesView.as_view(), name="venues"),
    path("venues/<str:slug>/", taxonomy.VenueView.as_view(), name="venue"),
]
