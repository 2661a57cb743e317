"""Who refused all contact before consent was kept by channel: the log says so, too, so that a later word on one channel
leaves the others refused. Nobody knows when it was; it counts from today."""

from django.db import migrations

SAY = """
INSERT INTO distributors_event
    (source, external_id, type, distributor_id, customer_id, time, day, data, digest, received_at)
SELECT 'pep', 'consent-' || c.id || '-000000', 'consent.changed', c.distributor_id, c.id, now(),
       (now() AT TIME ZONE m.time_zone)::date, d.data, sha256(convert_to(d.data::text || c.id, 'UTF8')), now()
FROM distributors_customer c
JOIN distributors_distributor p ON p.id = c.distributor_id JOIN distributors_market m ON m.id = p.market_id
CROSS JOIN LATERAL (SELECT jsonb_build_object(
    'customer', c.external_id, 'channel', 'all', 'state', 'withdrawn') AS data) AS d
WHERE c.do_not_contact AND c.refused <> 15 AND c.merged_into_id IS NULL AND c.erased_at IS NULL
    AND NOT EXISTS (SELECT FROM distributors_event e WHERE e.customer_id = c.id AND e.type = 'consent.changed')
ON CONFLICT DO NOTHING;
UPDATE distributors_customer SET refused = 15, allowed = 0
WHERE do_not_contact AND refused <> 15 AND merged_into_id IS NULL AND erased_at IS NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("distributors", "0007_recent_contacts")]
    operations = [migrations.RunSQL(SAY, migrations.RunSQL.noop)]
