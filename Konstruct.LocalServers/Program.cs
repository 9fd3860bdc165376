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
    using var stop = StopRequest.Listen();
    using var folder = DataFolder.Open(asked.Data);
    await using var server = asked.CreateServer(folder);
    return await server.RunAsync(Say, stop.Token);
}
catch (CannotServeException problem)
{
    Console.Error.WriteLine(problem.Message);
    return 1;
}

static void Say(string sentence) => Console.WriteLine(sentence);
