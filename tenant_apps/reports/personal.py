"""Reports hold sums, never people. Who asked for one, and who gets one by mail, is an id."""

from shared_apps.core.personal import harmless

harmless("reports.ReportRun", {"asked_by"}, "the id of a row that names nobody once it is erased")
harmless(
    "reports.ReportRun", {"params", "events", "content", "error", "language"}, "what was asked, and sums without names"
)
harmless("reports.BuildState", {"event_zones"}, "names of time zones")
harmless("reports.Part", {"name"}, "what a discount is called")
harmless("reports.DayFigure", {"name"}, "what a discount is called")
harmless("reports.ReportSchedule", {"recipients", "created_by"}, "ids of rows that name nobody once they are erased")
harmless("reports.ReportSchedule", {"params"}, "what is asked of the report")
