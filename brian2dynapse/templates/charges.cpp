{# Packets of charge: one block of code for each packet, for the neurons that got one. There are few in a step: they are
   listed first, so that the code, which is worth some hundred multiplications, runs on vectors of them alone. #}
{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    //// MAIN CODE ////////////
    const size_t _vectorisation_idx = -1;
    static std::vector<int32_t> _charged(N);
    {% for packet in vector_code | sort %}
    {
        {{scalar_code[packet]|autoindent}}
        int _count = 0;
        for(int _neuron=0; _neuron<N; _neuron++)
            if({{get_array_name(variables[packet])}}[_neuron] != 0.0)
                _charged[_count++] = _neuron;
        const int32_t* const _list = _charged.data();
        #pragma GCC ivdep
        for(int _position=0; _position<_count; _position++)
        {
            // vector code
            const int32_t _idx = _list[_position];
            const size_t _vectorisation_idx = _idx;
            {{vector_code[packet]|autoindent}}
        }
    }
    {% endfor %}
{% endblock %}
