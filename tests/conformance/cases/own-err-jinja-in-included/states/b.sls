{{ undefined_here }}
