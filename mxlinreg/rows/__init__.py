"""Where rows come from: tables that are read whole, and files that are read block by block."""
