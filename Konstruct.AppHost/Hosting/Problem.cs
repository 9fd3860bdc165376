namespace Konstruct.AppHost.Hosting;

/// <summary>What the person at the console has to change before the application can run: one sentence, and exit code 1.</summary>
internal static class Problem
{
    /// <returns>The exit code.</returns>
    public static int Tell(string sentence)
    {
        Console.Error.WriteLine(sentence);
        return 1;
    }
}
