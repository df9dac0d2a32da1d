"""The Azure SDK behind the engine's port. Fake or real is endpoint, CA and credential: nothing here asks which."""
