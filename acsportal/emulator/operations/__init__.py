"""Azure's operations, one module per subject: what the portal may ask for over REST, and what it is answered."""
