using System.Text.Json;
using System.Text.Json.Serialization;

namespace Konstruct.AppHost.Standalone.Manifests;

/// <summary>What <c>Properties/launchSettings.json</c> of a project says about running it on this machine.</summary>
/// <param name="HttpPort">The port of its http address; 0 where it names none.</param>
/// <param name="Environment">Variables to run it with.</param>
internal sealed record LaunchSettings(int HttpPort, IReadOnlyDictionary<string, string> Environment)
{
    /// <param name="project">The project file; relative parts are allowed.</param>
    /// <exception cref="CannotRunException">The file is there but is not JSON.</exception>
    public static LaunchSettings Of(string project)
    {
        var file = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(project)!, "Properties", "launchSettings.json"));
        if (!File.Exists(file))
            return new(0, new Dictionary<string, string>());
        try
        {
            var document = JsonSerializer.Deserialize(File.ReadAllText(file), LaunchSettingsJson.Default.LaunchSettingsDocument);
            var profile = document?.Profiles?.Values.FirstOrDefault(candidate => candidate.CommandName is "Project");
            var http = profile?.ApplicationUrl?.Split(';')
                .Select(url => Uri.TryCreate(url, UriKind.Absolute, out var address) ? address : null)
                .FirstOrDefault(address => address?.Scheme is "http");
            return new(http?.Port ?? 0, profile?.EnvironmentVariables ?? []);
        }
        catch (JsonException problem)
        {
            throw new CannotRunException($"{file} is no JSON: {problem.Message}", problem);
        }
    }
}

internal sealed record LaunchSettingsDocument(Dictionary<string, LaunchProfile>? Profiles);

internal sealed record LaunchProfile(string? CommandName, string? ApplicationUrl, Dictionary<string, string>? EnvironmentVariables);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, AllowTrailingCommas = true, ReadCommentHandling = JsonCommentHandling.Skip)]
[JsonSerializable(typeof(LaunchSettingsDocument))]
internal sealed partial class LaunchSettingsJson : JsonSerializerContext;
