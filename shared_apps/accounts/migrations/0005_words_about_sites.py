"""The platform tells owners that their site is suspended, and that it is open again. No SQL."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_unlinked'),
    ]

    operations = [
        migrations.AlterField(
            model_name='emailcode',
            name='purpose',
            field=models.CharField(choices=[('register', 'registration'), ('resend', 'the code once more'), ('reset', 'a new password'), ('changed', 'word of a changed password'), ('move', 'a new address'), ('move_asked', 'word of a change of address that was asked for'), ('moved', 'word of a changed address'), ('totp_on', 'word of two-step login turned on'), ('totp_off', 'word of two-step login turned off'), ('new_codes', 'word of new recovery codes'), ('linked', 'word of a login through another service'), ('unlinked', 'word of an unlinked service'), ('suspended', 'word of a suspended site'), ('resumed', 'word of a site that is open again')], max_length=10),
        ),
    ]
