namespace Konstruct.OrchestratorStub.Model;

/// <summary>The answer to a message without a command: sentences about what happens to it, always the same for the same message.</summary>
internal static class CannedReply
{
    /// <summary>One sentence a line, in <c>sentences.txt</c>. The Python stub of the tests reads the same file.</summary>
    private static readonly string[][] Sentences = [.. ReadSentences()];

    /// <summary>Whole sentences, with at most <paramref name="tokens"/> words together, but at least the first one. 0: none.</summary>
    public static IEnumerable<string> To(string text, int tokens)
    {
        var count = text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;
        var opening = WordsOf(count == 1 ? "You wrote one word." : $"You wrote {count} words.");
        var said = 0;
        return From(FakeWords.Seed(text))
            .Prepend(opening)
            .TakeWhile((sentence, i) => (said += sentence.Length) <= tokens || (i == 0 && tokens > 0))
            .SelectMany(sentence => sentence);
    }

    /// <summary>All sentences in their order, again and again. The seed decides which is the first.</summary>
    private static IEnumerable<string[]> From(ulong seed)
    {
        for (var i = seed % (ulong)Sentences.Length; ; i = (i + 1) % (ulong)Sentences.Length)
        {
            yield return Sentences[i];
        }
    }

    private static IEnumerable<string[]> ReadSentences()
    {
        using var stream = typeof(CannedReply).Assembly.GetManifestResourceStream("sentences.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } sentence)
        {
            yield return WordsOf(sentence);
        }
    }

    private static string[] WordsOf(string sentence) => [.. sentence.Split(' ').Select(word => word + " ")];
}
