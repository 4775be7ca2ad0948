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
