{# Brian2's threshold in two loops: the condition for all neurons, in vector instructions, and the list of those for which
   it holds, looked at eight at a time. #}
{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}

{% block extra_headers %}
#include <cstring>
#include <vector>
{% endblock %}

{% block maincode %}
    //// MAIN CODE ////////////
    // scalar code
    const int _vectorisation_idx = -1;
    {{scalar_code|autoindent}}

    {% set _eventspace = get_array_name(eventspace_variable) %}
    const int _N = {% include 'neuron_count.cpp' %};
    static std::vector<char> _holds(N + 8);
    char* const _held = _holds.data();
    #pragma GCC ivdep
    for(int _idx=0; _idx<_N; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
        _held[_idx] = _cond;
    }
    long _count = 0;
    for(int _block=0; _block<_N; _block+=8)
    {
        int64_t _any;
        std::memcpy(&_any, _held + _block, sizeof(_any));
        if(_any != 0)
            for(int _idx=_block; _idx<_block + 8; _idx++)
                if(_held[_idx])
                {
                    {{_eventspace}}[_count++] = _idx;
                    {% if _uses_refractory %}
                    {{not_refractory}}[_idx] = false;
                    {{lastspike}}[_idx] = {{t}};
                    {% endif %}
                }
    }
    {{_eventspace}}[N] = _count;
{% endblock %}

{% block after_code %}
{% set _eventspace = get_array_name(eventspace_variable) %}
{{_eventspace}}[N] = 0;  // Note that this is not an off-by-1-error: the array has N+1 elements
{% endblock %}
