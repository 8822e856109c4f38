{# Packets of charge: one block of code for each packet, for the neurons that got one. There are few in a step: they are
   listed first, so that the code, which is worth a hundred multiplications, runs on vectors of them alone. #}
{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}

{% block extra_headers %}
#include <cstring>
#include <vector>
{% endblock %}

{% block maincode %}
    //// MAIN CODE ////////////
    const size_t _vectorisation_idx = -1;
    const int _width = 8;  // neurons that are looked at, and worked on, together
    const int _N = {% include 'neuron_count.cpp' %};
    static std::vector<int32_t> _charged(N + _width);
    int32_t* const _list = _charged.data();
    const int _in_blocks = _N - _N % _width;
    {% for packet in vector_code | sort %}
    {
        {{scalar_code[packet]|autoindent}}
        const double* const _packet = {{get_array_name(variables[packet])}};
        int _count = 0;
        for(int _block=0; _block<_in_blocks; _block+=_width)
        {
            int64_t _bits[_width], _any = 0;
            std::memcpy(_bits, _packet + _block, sizeof(_bits));
            for(int _k=0; _k<_width; _k++)
                _any |= _bits[_k];
            if(_any != 0)
                for(int _k=0; _k<_width; _k++)
                {
                    _list[_count] = _block + _k;
                    _count += _bits[_k] != 0;
                }
        }
        for(int _neuron=_in_blocks; _neuron<_N; _neuron++)
        {
            _list[_count] = _neuron;
            _count += _packet[_neuron] != 0.0;
        }
        // Whole vectors: the last neuron again. What is done twice in one vector is done once; after it, no charge is left.
        while(_count % _width != 0)
        {
            _list[_count] = _list[_count - 1];
            _count++;
        }
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
