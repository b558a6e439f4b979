"""The tests, folder by folder like the modules they prove."""
