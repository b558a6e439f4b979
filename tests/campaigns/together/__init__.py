"""Part 5: many processes at once share what is bought, and the money that may be spent."""
