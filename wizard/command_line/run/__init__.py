"""The use cases behind the commands, without a word of the terminal: the screen calls them too."""
