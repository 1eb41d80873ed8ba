// @ts-check
// Copying a text: with the clipboard where the browser has one, else the way of old.

/**
 * @param {string} text
 * @param {HTMLInputElement | HTMLTextAreaElement} field  selected where there is no clipboard
 */
export async function write(text, field) {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch { /* refused: the old way below */ }
  // Plain http has no clipboard object: select the text and ask the browser to copy it.
  field.hidden = false;
  field.value = text;
  field.select();
  try { return document.execCommand("copy"); } catch { return false; /* the field is selected */ }
}
