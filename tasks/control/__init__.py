"""Control: a policy that acts in an environment, learned by reinforcement."""
