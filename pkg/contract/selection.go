package contract

// selection returns the named datasets and all that they depend on, in order;
// all datasets when no name is given.
func (s *service) selection(names []string) ([]*definition, error) {
	if len(names) == 0 {
		return s.datasets, nil
	}
	wanted := map[string]bool{}

	var want func(name string) error
	want = func(name string) error {
		if wanted[name] {
			return nil
		}
		d, err := s.dataset(name)
		if err != nil {
			return err
		}
		wanted[name] = true
		for _, dependency := range d.DependsOn {
			if err := want(dependency); err != nil {
				return err
			}
		}
		return nil
	}

	for _, name := range names {
		if err := want(name); err != nil {
			return nil, err
		}
	}

	var selected []*definition
	for _, d := range s.datasets {
		if wanted[d.Name] {
			selected = append(selected, d)
		}
	}

	return selected, nil
}
