"""A pair to try the tool on, made from miniature packs that the project brings along."""
