"""What a run survives: files whole or not at all, marks and locks, signals, and the sentence that it ends with."""
