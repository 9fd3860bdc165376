using Konstruct.Gateway;
using Konstruct.Gateway.Auth;
using Konstruct.Gateway.Conversations;
using Konstruct.Gateway.Edge;
using Konstruct.Gateway.Sockets;
using Konstruct.Gateway.Storage.Schema;
#if DEVELOPMENT_TOOLS
using Konstruct.Gateway.Development;
#endif

switch (args)
{
    case ["schema", .. var rest]:
        return await SchemaService.RunAsync(rest);
#if DEVELOPMENT_TOOLS
    case ["token", .. var rest]:
        return await TokenCommand.RunAsync(rest);
#endif
    case [var command, ..] when !command.StartsWith('-') && !command.Contains('='):
        await Console.Error.WriteLineAsync(
            $"This gateway has no command '{command}'. Without a command it serves; 'schema' makes or updates the schema."
        );
        return 2;
}

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddEdge();
builder.AddAuth();
builder.AddStores();
builder.AddChat();
builder.AddConversationsApi();
#if DEVELOPMENT_TOOLS
builder.AddPage();
#endif

return await builder.RunToEndAsync(app =>
{
    app.UseEdge();
    ChatEndpoint.Map(app);
    app.MapDefaultEndpoints();
    app.MapConversationsApi();
#if DEVELOPMENT_TOOLS
    app.MapPage();
    app.MapApiReference();
#endif
});
