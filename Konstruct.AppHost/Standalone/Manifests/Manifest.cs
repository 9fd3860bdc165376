using System.Text.Json;

namespace Konstruct.AppHost.Standalone.Manifests;

/// <summary>
/// The part of an Aspire manifest (https://json.schemastore.org/aspire-8.0.json) that runs without Aspire: containers that stand for stores, projects,
/// parameters, connection strings and other values.
/// </summary>
/// <param name="File">Where it was read; paths inside are relative to its folder.</param>
/// <param name="Resources">The resources by name.</param>
internal sealed record Manifest(string File, IReadOnlyDictionary<string, ManifestResource> Resources)
{
    public const string FileName = "aspire-manifest.json";

    private const string WhatToDo = "Restore it from version control, or publish it again where Aspire is available: "
        + "dotnet run --project Konstruct.AppHost -- --publisher manifest --output-path ../" + FileName;

    public string Folder => Path.GetDirectoryName(File)!;

    /// <summary>What can be started, left out or asked for, in words.</summary>
    public string ProcessNames => string.Join(", ", Resources.Where(resource => resource.Value.IsProcess).Select(resource => resource.Key));

    /// <exception cref="CannotRunException">The file is missing, is no manifest, or holds something that only Aspire can run.</exception>
    public static Manifest Read(string file)
    {
        var document = Parse(file);
        if (document?.Resources is not { Count: > 0 } resources)
            throw Broken(file, "it lists no resources");
        foreach (var (name, resource) in resources)
        {
            if (resource.Type is "")
                throw Broken(file, $"resource '{name}' has no type");
            if (WhatIsMissing(resource) is { } missing)
                throw Broken(file, $"resource '{name}' ({resource.Type}) has no {missing}");
            if (!resource.CanRun)
            {
                throw new CannotRunException($"Resource '{name}' of {file} is of type {resource.Type}, which needs Aspire: "
                    + "without Aspire only containers with an image, projects, parameters and values run.");
            }
        }
        return new(file, resources);
    }

    /// <exception cref="CannotRunException">Always: there is no such resource.</exception>
    public ManifestResource this[string name] => Resources.TryGetValue(name, out var resource)
        ? resource
        : throw Broken(File, $"an expression names '{name}', which is no resource of it");

    /// <summary>The processes that run for a resource: one of its name, or as many replicas as are asked for, numbered from 1.</summary>
    public IReadOnlyList<string> InstancesOf(string name, int replicas) =>
        replicas > 1 && this[name].CanBeReplicated ? [.. Enumerable.Range(1, replicas).Select(number => $"{name}-{number}")] : [name];

    /// <summary>Whether clients, or other resources, use an address of this one.</summary>
    public bool IsReached(string name) => this[name].Bindings.Values.Any(binding => binding.External)
        || Resources.Any(other => other.Key != name
            && other.Value.Expressions.SelectMany(Expression.References).Any(reference => reference.StartsWith($"{name}.bindings.", StringComparison.Ordinal)));

    public CannotRunException Broken(string what) => Broken(File, what);

    private static ManifestDocument? Parse(string file)
    {
        try
        {
            using var stream = System.IO.File.OpenRead(file);
            return JsonSerializer.Deserialize(stream, ManifestJson.Default.ManifestDocument);
        }
        catch (Exception problem) when (problem is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CannotRunException($"There is no {file}. {WhatToDo}", problem);
        }
        catch (JsonException problem)
        {
            throw Broken(file, $"line {problem.LineNumber + 1}: {FirstSentence(problem.Message)}");
        }
    }

    private static string? WhatIsMissing(ManifestResource resource) => resource switch
    {
        { Type: "container.v0" or "container.v1", Image: null, Build: null } => "image",
        { Type: "project.v0" or "project.v1", Path: null } => "path",
        { Type: "parameter.v0" or "annotated.string", Value: null } => "value",
        { Type: "value.v0", Value: null, ConnectionString: null } => "value and no connectionString",
        _ => null,
    };

    private static CannotRunException Broken(string file, string what) => new($"{file} is broken: {what}. {WhatToDo}");

    private static string FirstSentence(string text) => text.IndexOf(". ", StringComparison.Ordinal) is > 0 and var end ? text[..end] : text.TrimEnd('.');
}
