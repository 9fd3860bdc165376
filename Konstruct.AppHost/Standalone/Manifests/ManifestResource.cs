using System.Text.Json;
using System.Text.Json.Serialization;

namespace Konstruct.AppHost.Standalone.Manifests;

/// <summary>A resource as the manifest writes it; which members are set depends on the type. Strings may hold <c>{…}</c> expressions.</summary>
internal sealed record ManifestResource
{
    public string Type { get; set; } = "";

    /// <summary>A container's image, with registry and tag.</summary>
    public string? Image { get; set; }

    /// <summary>A container that is built from a Dockerfile: not without a container runtime.</summary>
    public JsonElement? Build { get; set; }

    /// <summary>A project's file, relative to the manifest.</summary>
    public string? Path { get; set; }

    public IReadOnlyList<string> Args { get; set; } = [];

    public IReadOnlyDictionary<string, string> Env { get; set; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, ManifestBinding> Bindings { get; set; } = new Dictionary<string, ManifestBinding>();

    public string? ConnectionString { get; set; }

    public string? Value { get; set; }

    /// <summary>What an annotated string does to its value: <c>uri</c> encodes it for a URL.</summary>
    public string? Filter { get; set; }

    public IReadOnlyDictionary<string, ManifestInput> Inputs { get; set; } = new Dictionary<string, ManifestInput>();

    [JsonIgnore]
    public bool IsContainer => Type is "container.v0" or "container.v1";

    [JsonIgnore]
    public bool IsProject => Type is "project.v0" or "project.v1";

    /// <summary>Whether a process runs for it.</summary>
    [JsonIgnore]
    public bool IsProcess => IsContainer || IsProject;

    /// <summary>A project that is started with arguments is a step of its own, such as the schema's, and runs once.</summary>
    [JsonIgnore]
    public bool CanBeReplicated => IsProject && Args.Count == 0;

    [JsonIgnore]
    public bool CanRun => (IsProcess && Build is null) || Type is "parameter.v0" or "value.v0" or "annotated.string";

    /// <summary>Every string that may hold an expression.</summary>
    [JsonIgnore]
    public IEnumerable<string> Expressions => [.. Env.Values, .. Args, ConnectionString ?? "", Value ?? ""];
}

/// <summary>Where a resource listens.</summary>
internal sealed record ManifestBinding
{
    public string Scheme { get; set; } = "tcp";

    public string Protocol { get; set; } = "tcp";

    public string Transport { get; set; } = "tcp";

    /// <summary>Whether clients outside the application use it.</summary>
    public bool External { get; set; }
}

/// <summary>A value that whoever runs the application gives.</summary>
internal sealed record ManifestInput
{
    public bool Secret { get; set; }

    public ManifestInputDefault? Default { get; set; }
}

internal sealed record ManifestInputDefault
{
    public string? Value { get; set; }

    public ManifestGenerate? Generate { get; set; }
}

/// <summary>How a missing value is made up. A kind of character that is switched off does not occur.</summary>
internal sealed record ManifestGenerate
{
    public int MinLength { get; set; }
    public bool Lower { get; set; } = true;
    public bool Upper { get; set; } = true;
    public bool Numeric { get; set; } = true;
    public bool Special { get; set; } = true;
    public int MinLower { get; set; }
    public int MinUpper { get; set; }
    public int MinNumeric { get; set; }
    public int MinSpecial { get; set; }
}

internal sealed record ManifestDocument(Dictionary<string, ManifestResource>? Resources);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, AllowTrailingCommas = true, ReadCommentHandling = JsonCommentHandling.Skip, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ManifestDocument))]
internal sealed partial class ManifestJson : JsonSerializerContext;
