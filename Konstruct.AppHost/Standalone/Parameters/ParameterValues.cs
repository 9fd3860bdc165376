using System.Text.Json;
using System.Text.Json.Serialization;
using Konstruct.AppHost.Standalone.Manifests;

namespace Konstruct.AppHost.Standalone.Parameters;

/// <summary>
/// The values of parameters: what the command line or the environment says (<c>Parameters:name</c>, <c>Parameters__name</c>, as with Aspire), else
/// the manifest's default, else a generated one that is kept between runs, because the stores keep their passwords.
/// </summary>
internal sealed class ParameterValues
{
    private readonly string _file;
    private readonly IReadOnlyDictionary<string, string> _given;
    private readonly Func<string, string?> _environment;
    private readonly Dictionary<string, string> _kept;

    /// <param name="file">Where generated values are kept, readable by its owner only.</param>
    /// <param name="given">Values of the command line, by name.</param>
    /// <param name="environment">Reads an environment variable.</param>
    /// <exception cref="CannotRunException">The kept values cannot be read.</exception>
    public ParameterValues(string file, IReadOnlyDictionary<string, string> given, Func<string, string?> environment)
    {
        (_file, _given, _environment) = (file, given, environment);
        try
        {
            _kept = File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllText(file), ParameterJson.Default.DictionaryStringString) ?? [] : [];
        }
        catch (JsonException problem)
        {
            throw new CannotRunException($"{file}, which keeps the generated passwords, is no JSON any more: mend it, or forget all data with --reset.", problem);
        }
    }

    /// <exception cref="CannotRunException">Nobody gave a value and there is no rule to make one up.</exception>
    public string ValueOf(string name, ManifestInput input)
    {
        // No shell lets a variable's name hold a hyphen, so Aspire takes an underscore for it, and so do we.
        var given = _given.GetValueOrDefault(name) ?? _environment($"Parameters__{name}") ?? _environment($"Parameters__{name.Replace('-', '_')}");
        if (given is not null)
            return given;
        if (input.Default?.Value is { } value)
            return value;
        // Several processes ask at once when they start.
        lock (_kept)
        {
            if (_kept.TryGetValue(name, out var kept))
                return kept;
            if (input.Default?.Generate is not { } rule)
                throw new CannotRunException($"The parameter '{name}' has no value: set the environment variable Parameters__{name.Replace('-', '_')}.");
            _kept[name] = GeneratedValue.Make(rule);
            Keep();
            return _kept[name];
        }
    }

    private void Keep()
    {
        // Written beside and renamed: half a file would lock the stores' owner out.
        var unfinished = _file + ".new";
        PrivateFile.Write(unfinished, JsonSerializer.Serialize(_kept, ParameterJson.Default.DictionaryStringString));
        File.Move(unfinished, _file, overwrite: true);
    }
}

[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class ParameterJson : JsonSerializerContext;
