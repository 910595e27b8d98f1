"""What `manage.py deadletters` is made of."""
