using System.Text;

namespace Konstruct.Tests.Harness;

/// <summary>Strings as Python's <c>json.dumps</c> prints them, quotes included.</summary>
internal static class PythonJson
{
    /// <summary><c>ensure_ascii=False</c>: what the original gateway sends to browsers.</summary>
    public static string Compact(string text) => Quote(text, ensureAscii: false);

    /// <summary>The default: what an orchestrator in Python publishes.</summary>
    public static string Ascii(string text) => Quote(text, ensureAscii: true);

    private static string Quote(string text, bool ensureAscii)
    {
        var json = new StringBuilder("\"");
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => json.Append("\\\""),
                '\\' => json.Append("\\\\"),
                '\n' => json.Append("\\n"),
                '\r' => json.Append("\\r"),
                '\t' => json.Append("\\t"),
                '\b' => json.Append("\\b"),
                '\f' => json.Append("\\f"),
                < ' ' => json.Append($"\\u{(int)c:x4}"),
                > '~' when ensureAscii => json.Append($"\\u{(int)c:x4}"),
                _ => json.Append(c),
            };
        }

        return json.Append('"').ToString();
    }
}
