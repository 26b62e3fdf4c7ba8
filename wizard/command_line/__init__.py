"""What a person types and reads: commands, text output, completion."""
