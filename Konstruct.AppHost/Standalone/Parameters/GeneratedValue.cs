using System.Security.Cryptography;
using Konstruct.AppHost.Standalone.Manifests;

namespace Konstruct.AppHost.Standalone.Parameters;

/// <summary>Makes up a secret by a manifest's rule.</summary>
internal static class GeneratedValue
{
    /// <summary>22 characters out of 62 carry 131 bits.</summary>
    private const int DefaultLength = 22;

    public static string Make(ManifestGenerate rule)
    {
        // The special characters mean nothing in connection strings and shells.
        (bool Used, string Characters, int Least)[] kinds =
        [
            (rule.Lower, "abcdefghijklmnopqrstuvwxyz", rule.MinLower),
            (rule.Upper, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", rule.MinUpper),
            (rule.Numeric, "0123456789", rule.MinNumeric),
            (rule.Special, "-_.~+", rule.MinSpecial),
        ];
        var used = kinds.Where(kind => kind.Used).ToArray();
        var all = string.Concat(used.Select(kind => kind.Characters));
        var value = used.SelectMany(kind => RandomNumberGenerator.GetItems<char>(kind.Characters, kind.Least)).ToList();
        var length = rule.MinLength > 0 ? rule.MinLength : DefaultLength;
        if (value.Count < length)
            value.AddRange(RandomNumberGenerator.GetItems<char>(all, length - value.Count));
        var characters = value.ToArray();
        RandomNumberGenerator.Shuffle<char>(characters);
        return new(characters);
    }
}
