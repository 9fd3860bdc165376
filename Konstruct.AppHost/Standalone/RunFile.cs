using System.Text.Json;
using System.Text.Json.Serialization;

namespace Konstruct.AppHost.Standalone;

/// <summary>The environments of the running application's services, for whoever runs one of them elsewhere. Holds secrets; gone with the run.</summary>
internal sealed class RunFile : IDisposable
{
    private readonly string _file;

    private RunFile(string file) => _file = file;

    public static RunFile Write(StateFolder state, Dictionary<string, Dictionary<string, string?>> environments)
    {
        PrivateFile.Write(state.Run, JsonSerializer.Serialize(environments, RunFileJson.Default.Environments));
        return new(state.Run);
    }

    /// <exception cref="CannotRunException">Nothing runs, or it has no such service.</exception>
    public static Dictionary<string, string?> EnvironmentOf(string service, StateFolder state)
    {
        if (!File.Exists(state.Run))
            throw new CannotRunException($"Nothing runs on {state.Path}, or it is not ready yet: start the application first, here with --without {service}.");
        var environments = JsonSerializer.Deserialize(File.ReadAllText(state.Run), RunFileJson.Default.Environments) ?? [];
        return environments.TryGetValue(service, out var environment)
            ? environment
            : throw new CannotRunException($"There is no service '{service}'; there are {string.Join(", ", environments.Keys)}.");
    }

    public void Dispose() => File.Delete(_file);
}

[JsonSerializable(typeof(Dictionary<string, Dictionary<string, string?>>), TypeInfoPropertyName = "Environments")]
internal sealed partial class RunFileJson : JsonSerializerContext;
