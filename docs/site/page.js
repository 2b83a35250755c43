// A button on every block of code that copies it. All else on these pages works without a script.
for (const block of navigator.clipboard ? document.querySelectorAll('pre') : []) {
  const text = block.textContent;
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 1_500);
  });
  block.append(button);
}
