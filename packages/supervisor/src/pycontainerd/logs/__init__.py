"""What containers said: docker's json-file format, written without a gap and read by position, time and count."""
