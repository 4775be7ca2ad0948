"""Whether what is counted beside events and goods is what there is: counters and waiting changes against the rows."""

_COUNTED = """
SELECT format('{thing} %s: counts likes %s, favourites %s; there are %s and %s', r.id, r.likes, r.favourites,
              r.liking, r.keeping)
FROM (
    SELECT t.id,
           coalesce(s.likes, 0) + coalesce(w.likes, 0) AS likes,
           coalesce(s.favourites, 0) + coalesce(w.favourites, 0) AS favourites,
           coalesce(l.people, 0) AS liking, coalesce(f.people, 0) AS keeping
    FROM {of} t LEFT JOIN {counters} s ON s.{thing}_id = t.id
    LEFT JOIN (
        SELECT {thing}_id, sum(likes) AS likes, sum(favourites) AS favourites FROM {changes} GROUP BY {thing}_id
    ) w ON w.{thing}_id = t.id
    LEFT JOIN (SELECT {thing}_id, count(*) AS people FROM customers_like GROUP BY {thing}_id) l ON l.{thing}_id = t.id
    LEFT JOIN (
        SELECT {thing}_id, count(*) AS people FROM customers_favourite GROUP BY {thing}_id
    ) f ON f.{thing}_id = t.id
) r WHERE r.likes <> r.liking OR r.favourites <> r.keeping
"""
EVENTS = _COUNTED.format(
    thing="event", of="events_event", counters="events_eventstanding", changes="events_standingchange"
)
GOODS = _COUNTED.format(
    thing="product", of="catalog_product", counters="catalog_productstanding", changes="catalog_change"
)
STARS = """
SELECT format('event %s: counts %s of %s stars; %s such reviews are shown', r.id, r.counted, r.stars, r.shown)
FROM (
    SELECT e.id, given.stars,
           given.counted + coalesce(sum(waiting.change), 0) AS counted,
           (SELECT count(*) FROM reviews_review v
            WHERE v.event_id = e.id AND v.status = 'published' AND v.rating = given.stars) AS shown
    FROM events_event e JOIN events_eventstanding s ON s.event_id = e.id
    CROSS JOIN LATERAL (
        VALUES (1, s.stars_1), (2, s.stars_2), (3, s.stars_3), (4, s.stars_4), (5, s.stars_5)
    ) given(stars, counted)
    LEFT JOIN LATERAL (
        SELECT CASE given.stars WHEN 1 THEN c.stars_1 WHEN 2 THEN c.stars_2 WHEN 3 THEN c.stars_3
               WHEN 4 THEN c.stars_4 ELSE c.stars_5 END AS change
        FROM events_standingchange c WHERE c.event_id = e.id
    ) waiting ON true
    GROUP BY e.id, given.stars, given.counted
) r WHERE r.counted <> r.shown
"""
