using Konstruct.LocalServers;
using Konstruct.LocalServers.Processes;

if (Invocation.AsksForHelp(args))
{
    Console.WriteLine(Invocation.Help);
    return 0;
}
try
{
    var asked = Invocation.Parse(args);
    LoopbackPort.EnsureFree(asked.Port);
    using var stop = StopRequest.Listen(asked.StopWithStdin);
    using var folder = asked.Data.Length > 0 ? DataFolder.Open(asked.Data) : null;
    await using var server = asked.CreateServer(folder);
    return await server.RunAsync(Say, stop.Token);
}
catch (CannotServeException problem)
{
    Console.Error.WriteLine(problem.Message);
    return 1;
}

static void Say(string sentence) => Console.WriteLine(sentence);
