"""How fast conversations go against an endpoint that is never the slow part, beside other ways to hold them."""
