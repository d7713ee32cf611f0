"""Results over time: filed, listed, compared, watched for a change."""
