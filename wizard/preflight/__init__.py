"""The check engine, and the checks that need more than one step: ports, runs, the login by Java, Subversion."""
