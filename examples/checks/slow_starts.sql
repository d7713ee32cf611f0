-- name: slow-starts
-- promise: An instance has its first turn within two seconds of its acknowledged start.
-- source: our service level for checkouts
-- unit: started instances
-- need: 10

-- The evidence: how many instances have begun. One number.
SELECT count(DISTINCT instance) FROM history WHERE kind = 'OrchestrationStarted';

-- The violations: a row each. The weight says how bad one is, here in ms.
SELECT o.instance,
       'its first turn came late' AS what,
       waited_ms || ' ms after its start was acknowledged' AS detail,
       waited_ms AS weight
FROM (SELECT instance, min(ts_ms) - any_value(acked_ns) // 1000000 AS waited_ms
      FROM history JOIN ops USING (instance)
      WHERE kind = 'OrchestrationStarted' GROUP BY instance) o
WHERE waited_ms > 2000
ORDER BY waited_ms DESC;
