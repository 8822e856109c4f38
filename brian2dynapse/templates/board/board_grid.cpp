{# The AMPA diffusion grids of all cores: what every place gets, from shares that a command sets. #}
{# USES_VARIABLES { N, Iampa_ahead, Iampa_grid } #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    const std::vector<int32_t>& _first = brian_board::first_giver;
    for (int _place = 0; _place < brian_board::places_in_use; _place++) {
        double _sum = 0;
        for (int32_t _k = _first[_place]; _k < _first[_place + 1]; _k++)
            _sum += brian_board::shares[_k]*{{Iampa_ahead}}[brian_board::givers[_k]];
        {{Iampa_grid}}[_place] = _sum;
    }
{% endblock %}
