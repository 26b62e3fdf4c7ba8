"""The eight steps of the procedure, one module each; `procedure` lists them in their order."""
