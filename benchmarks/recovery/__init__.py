"""Does the trait chain recover what is known? A synthetic respondent with known traits, drift and noise."""
