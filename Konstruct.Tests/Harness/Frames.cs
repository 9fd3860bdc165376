namespace Konstruct.Tests.Harness;

/// <summary>The frames of version 1 as the original prints them.</summary>
internal static class Frames
{
    public const string Typing = """{"type":"typing"}""";

    public static readonly string NoAnswer = Error("Agent did not respond in time. Please try again.");

    public static string Chunk(string text) => $$"""{"type":"chunk","text":{{PythonJson.Compact(text)}}}""";

    public static string Done(string text, Guid conversation) =>
        $$"""{"type":"done","text":{{PythonJson.Compact(text)}},"conversation_id":"{{conversation}}"}""";

    public static string Error(string message) => $$"""{"type":"error","message":{{PythonJson.Compact(message)}}}""";
}
