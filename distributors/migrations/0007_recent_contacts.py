from django.db import migrations


class Migration(migrations.Migration):
    """The last contact that is known is the first of the recent ones; compact rows have another shape now and are made anew."""

    dependencies = [("distributors", "0006_people")]

    operations = [
        migrations.RunSQL(
            "UPDATE distributors_customer SET recent_contacts = ARRAY[last_contact_at] WHERE last_contact_at IS NOT NULL",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL("DELETE FROM distributors_feature", migrations.RunSQL.noop),
    ]
