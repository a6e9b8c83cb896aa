tier: back
