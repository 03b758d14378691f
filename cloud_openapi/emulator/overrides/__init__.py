"""What a test puts in the way of an answer: faults and pins."""
