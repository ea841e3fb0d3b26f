"""How the embedded actor's adapter was made: see README.md."""
