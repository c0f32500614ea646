"""The numbers of the product, measured on generated data: `bin/bench relay clocks pages`."""
