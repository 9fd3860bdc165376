using System.Text;

namespace Konstruct.AppHost.Standalone.Manifests;

/// <summary>
/// A string of the manifest: literal text with references such as <c>{redis.bindings.tcp.port}</c>. Two braces stand for one.
/// </summary>
internal static class Expression
{
    /// <summary>The references in a string: the text between the braces.</summary>
    /// <exception cref="FormatException">A brace is not closed or not opened.</exception>
    public static IReadOnlyList<string> References(string text)
    {
        var references = new List<string>();
        Replace(text, reference =>
        {
            references.Add(reference);
            return "";
        });
        return references;
    }

    /// <summary>The string with each reference replaced by its value.</summary>
    /// <exception cref="FormatException">A brace is not closed or not opened.</exception>
    public static string Replace(string text, Func<string, string> valueOf)
    {
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            var doubled = i + 1 < text.Length && text[i + 1] == c;
            switch (c)
            {
                case '{' or '}' when doubled:
                    result.Append(c);
                    i++;
                    break;
                case '{':
                    var end = text.IndexOf('}', i);
                    if (end < 0)
                        throw new FormatException($"the brace at position {i + 1} of \"{text}\" is not closed");
                    result.Append(valueOf(text[(i + 1)..end]));
                    i = end;
                    break;
                case '}':
                    throw new FormatException($"the brace at position {i + 1} of \"{text}\" closes nothing");
                default:
                    result.Append(c);
                    break;
            }
        }
        return result.ToString();
    }
}
