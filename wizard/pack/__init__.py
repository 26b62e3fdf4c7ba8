"""What a home is: product and versions, its files for reading, its ports, driver jars."""
