{# Brian2's state update, with the promise that neurons do not read what other neurons write: without it the compiler
   cannot rule out that arrays overlap, and makes no vector instructions. #}
{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block extra_headers %}
{% include 'spread_arrays.cpp' %}
{% endblock %}

{% block maincode %}
    //// MAIN CODE ////////////
    // scalar code
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}

    const int _N = {% include 'neuron_count.cpp' %};
    {% if openmp_pragma('with_openmp') %}
    #pragma omp parallel for simd schedule(static)
    {% else %}
    #pragma GCC ivdep
    {% endif %}
    for(int _idx=0; _idx<_N; _idx++)
    {
        // vector code
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
    }
{% endblock %}
