using System.Collections.Immutable;
using System.Globalization;
using Konstruct.AppHost.Standalone.Parameters;

namespace Konstruct.AppHost.Standalone.Manifests;

/// <summary>Gives every expression of a manifest its value in this run.</summary>
internal sealed class Resolver(Manifest manifest, PortPlan ports, ParameterValues parameters)
{
    /// <exception cref="CannotRunException">The expression is malformed, runs in a circle, or names what the manifest does not have.</exception>
    public string Resolve(string expression) => Resolve(expression, []);

    /// <summary>The processes that a resource's expressions lead to, through values and connection strings: it starts after them.</summary>
    public IReadOnlySet<string> ProcessesBehind(string name)
    {
        var found = new HashSet<string>();
        var seen = new HashSet<string> { name };
        var open = new Stack<ManifestResource>([manifest[name]]);
        while (open.TryPop(out var resource))
        {
            foreach (var reference in resource.Expressions.SelectMany(Expression.References))
            {
                var target = reference.Split('.')[0];
                if (!seen.Add(target))
                    continue;
                if (manifest[target].IsProcess)
                    found.Add(target);
                open.Push(manifest[target]);
            }
        }
        return found;
    }

    /// <param name="expression">What to resolve.</param>
    /// <param name="path">The references that led here, outermost first: one of them again would never end.</param>
    private string Resolve(string expression, ImmutableList<string> path)
    {
        try
        {
            return Expression.Replace(expression, reference => ValueOf(reference, path));
        }
        catch (FormatException problem)
        {
            throw manifest.Broken(problem.Message);
        }
    }

    private string ValueOf(string reference, ImmutableList<string> before)
    {
        var path = before.Add(reference);
        if (before.Contains(reference))
            throw manifest.Broken($"{{{string.Join("} → {", path)}}} runs in a circle");
        var parts = reference.Split('.');
        var resource = manifest[parts[0]];
        return parts switch
        {
            [_, "connectionString"] when resource.ConnectionString is { } text => Resolve(text, path),
            [_, "value"] when resource.Value is { } text => Filter(resource, Resolve(text, path)),
            [var name, "inputs", var input] when resource.Inputs.TryGetValue(input, out var rule) => parameters.ValueOf(name, rule),
            [var name, "bindings", var binding, var what] when resource.Bindings.ContainsKey(binding) => PartOf(ports[name, binding], what),
            _ => null,
        }
        ?? throw manifest.Broken($"nothing stands for the expression {{{reference}}}");
    }

    private string Filter(ManifestResource resource, string value) => resource.Filter switch
    {
        null => value,
        "uri" => Uri.EscapeDataString(value),
        var filter => throw manifest.Broken($"the filter '{filter}' of an annotated string is not known"),
    };

    private static string? PartOf(Endpoint endpoint, string what) => what switch
    {
        "host" => endpoint.Host,
        "port" or "targetPort" => endpoint.Port.ToString(CultureInfo.InvariantCulture),
        "url" => endpoint.Url,
        "scheme" => endpoint.Scheme,
        "tlsEnabled" => "False",
        _ => null,
    };
}
