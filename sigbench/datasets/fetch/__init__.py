"""Transfer of dataset files: resumable, limited in size, atomic."""
