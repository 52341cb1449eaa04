"""What a network learned, and how learning scales: measured, with numbers behind each picture."""
