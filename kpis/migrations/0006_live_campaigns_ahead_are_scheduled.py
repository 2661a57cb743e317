from django.db import migrations
from django.db.models.functions import Now, TruncDate


def schedule(apps, editor):
    """Until now a live campaign whose first day was ahead began by itself; it does as a scheduled one, too."""
    campaigns = apps.get_model("kpis", "Campaign").objects
    campaigns.filter(status="live", starts_on__gt=TruncDate(Now())).update(status="scheduled")


class Migration(migrations.Migration):
    dependencies = [("kpis", "0005_console")]

    operations = [migrations.RunPython(schedule, migrations.RunPython.noop)]
